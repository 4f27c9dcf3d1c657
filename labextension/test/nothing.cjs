// What stands for a picture or a style sheet.
module.exports = { __esModule: true, default: '<svg xmlns="http://www.w3.org/2000/svg"></svg>' };
